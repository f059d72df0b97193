"""The laboratory, where methods are trained, evaluated, compared and exported; it needs the extra: pip install 'noref[lab]'."""
