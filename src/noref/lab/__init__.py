"""The laboratory: where methods are trained, compared and exported. Needs the extra: pip install 'noref[lab]'."""
