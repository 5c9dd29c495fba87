"""Published Colab notebooks on today's stack: `runner` executes a copy, `extension` prepares its kernel."""
