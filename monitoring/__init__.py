"""What the three scripts share: the config loader, one module per thing, one per outside service."""

__version__ = "1.0.0"
