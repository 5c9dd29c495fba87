"""Two commands per verb, shown below its ``--help``; a test parses each."""

__all__ = ["EXAMPLES"]

EXAMPLES = {
    "demo": ("--out runs/demo", "--out runs/demo1 --seed 1 --precision float32"),
    "info": ("", "shabani/paper"),
    "phantom": ("phantoms --cohort coronacases-like", "phantoms/healthy --cohort healthy --cases 20 --seed 7"),
    "verify": ("data/mosmed", "my_ct.nii.gz dicom_series --strict"),
    "preprocess": ("data/mosmed prepared/mosmed --preset shabani/improved", "data/mosmed prepared --recipe published"),
    "train": ("gan prepared/healthy prepared/covid runs/gan --preset shabani/demo",
              "segmenter prepared/healthy prepared/covid runs/segmenter --gan runs/gan --preset shabani/demo"),
    "pseudo-mask": ("runs/gan prepared/covid pseudo_masks",
                    "runs/gan prepared/covid pseudo_masks --seed 1 --overwrite"),
    "predict": ("my_ct.nii.gz masks", "dicom_folder masks --model runs/segmenter --probability --overlay"),
    "view": ("my_ct.nii.gz masks/my_ct.nii.gz", "cts masks --out page.html"),
    "app": ("--data cts", "--export corrected"),
    "evaluate": ("masks true_masks --protocol per_volume", "masks data/mosmed --protocol published --out scores"),
    "finetune": ("corrected --out runs/finetuned", "corrected --out runs/finetuned --model runs/segmenter --seed 1"),
    "reproduce": ("shabani --preset shabani/demo --out runs/shabani",
                  "afseg --task cells --data data/rbc --out runs/rbc"),
    "export": ("runs/segmenter", "runs/segmenter exports/segmenter --format tflite --precision dynamic-int8"),
    "import-weights": ("my_en_de", "generator_model saved_models/generator --shape 32,128,128"),
    "notebook": ("run GAN3D.ipynb --steps 2", "run Preprocess.ipynb --map '.../Data=data/mosmed/images'"),
}
