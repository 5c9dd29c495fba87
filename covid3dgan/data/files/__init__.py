"""Files in and out: NIfTI, DICOM, 2D images; what is checked before any of it is believed."""
