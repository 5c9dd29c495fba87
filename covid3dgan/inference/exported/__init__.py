"""Exported networks read back: TFLite files and SavedModels in the place of a run, without Keras."""
