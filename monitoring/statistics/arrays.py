"""The type of the arguments and results."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""An array of any kind of number; its shape is in the docstring of what takes or returns it."""
