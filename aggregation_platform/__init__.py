"""One handle time over many Genesys Cloud organizations; each layer is a package of its own."""
