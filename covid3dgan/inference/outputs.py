"""What ``predict`` writes of a CT's or slice's lesions: NIfTI, PNG for pictures, DICOM on request."""

__all__ = ["FORMATS", "output_paths", "write_prediction"]

from covid3dgan.data import volumes
from covid3dgan.data.files import images
from covid3dgan.data.slice_image import SliceImage
from covid3dgan.errors import InputError
from covid3dgan.inference.inputs import is_volume_file
from covid3dgan.inference.slices import draw_overlay

FORMATS = ("nifti", "dicom-seg", "dicom-overlay")


def output_paths(item, out, probability, overlay, form, uncertainty=False):
    """name -> path of what is written for an inference.inputs.Input; ``out`` may be the mask's own name.

    A picture gets ID_mask.png, anything else ID.nii.gz, or of DICOM in another of ``FORMATS`` ID.dcm (a segmentation)
    or the folder ID (pictures); a record (JSON) has the mask's name; on request scores, of a CT its
    uncertainty, and a picture of the mask on the CT.
    """
    if form != "nifti" and item.series is None:
        raise InputError(item.named(item.path), f"a DICOM series for --format {form}", "another kind of file",
                         "leave --format out")
    if item.is_picture:
        if is_volume_file(out):
            raise InputError(out, "a folder for the mask of a picture, which is a PNG", "the name of a NIfTI file",
                             "name a folder")
        return {"mask": out / f"{item.id}_mask.png", "json": out / f"{item.id}_mask.json",
                **({"scores": out / f"{item.id}_probability.png"} if probability else {}),
                **({"overlay": out / f"{item.id}_overlay.png"} if overlay else {})}
    if form == "nifti":
        mask = out if is_volume_file(out) else out / f"{item.id}.nii.gz"
    else:
        mask = out if out.suffix == ".dcm" else out / f"{item.id}.dcm" if form == "dicom-seg" else out / item.id
    base = mask.name.replace(".nii.gz", "").replace(".nii", "").replace(".dcm", "")
    return {"mask": mask, "json": mask.with_name(f"{base}.json"),
            **({"scores": mask.with_name(f"{base}_scores.nii.gz")} if probability else {}),
            **({"uncertainty": mask.with_name(f"{base}_uncertainty.nii.gz")} if uncertainty else {}),
            **({"overlay": mask.with_name(f"{base}_overlay.png")} if overlay else {})}


def write_prediction(prediction, ct, item, paths, form, model):
    """Writes ``paths`` but for the record (JSON).

    Args:
        prediction: inference.lesions.Prediction.
        ct: the Volume or data.slice_image.SliceImage that it was made for.
        form: one of ``FORMATS``.
        model: (name, checksum) of what made it, for DICOM.
    """
    flat = isinstance(ct, SliceImage)
    grid = ct.volume if flat else ct
    if form == "dicom-seg":
        # pydicom and highdicom are loaded only where they are needed.
        from covid3dgan.data.files.dicom_seg import write_segmentation

        write_segmentation(paths["mask"], item.series, {"lungs": prediction.lungs, "infection": prediction.mask}, model)
    elif form == "dicom-overlay":
        from covid3dgan.data.files.dicom_overlay import write_overlays

        write_overlays(paths["mask"], item.series, grid.array, prediction.mask, prediction.lungs)
    elif item.is_picture:
        images.write_mask(prediction.mask > 0, paths["mask"], overwrite=True)
    else:
        volumes.write(grid.like(prediction.mask), paths["mask"], overwrite=True)
    if "scores" in paths and item.is_picture:
        images.write(prediction.scores, paths["scores"], overwrite=True)
    elif "scores" in paths:
        volumes.write(grid.like(prediction.scores), paths["scores"], overwrite=True)
    if "uncertainty" in paths:
        volumes.write(grid.like(prediction.uncertainty), paths["uncertainty"], overwrite=True)
    if "overlay" in paths:
        if flat:
            images.write(draw_overlay(ct, prediction.mask, prediction.lungs), paths["overlay"], overwrite=True)
            return
        # Drawing loads matplotlib, which nothing else here needs.
        from covid3dgan.evaluation.figures.prediction import contact_sheet
        from covid3dgan.evaluation.figures.style import save

        save(contact_sheet(ct, prediction, item.id), paths["overlay"])
