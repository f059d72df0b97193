"""Fitted methods that ship with the laboratory: one folder each, with a card."""
