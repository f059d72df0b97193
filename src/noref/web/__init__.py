"""The HTTP service behind `noref serve`; it needs the extra: pip install 'noref[web]'."""
