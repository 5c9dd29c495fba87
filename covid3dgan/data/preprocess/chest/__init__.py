"""Where the lungs lie in a chest CT, by shapes and HU: the built-in method."""
