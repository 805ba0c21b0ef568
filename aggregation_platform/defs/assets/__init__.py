"""The assets, one file a layer; each names its inputs, calls the core and hands on the result."""
