"""Fine-tuning on corrected masks: the cases, the folds, what is found before and after, the report."""
