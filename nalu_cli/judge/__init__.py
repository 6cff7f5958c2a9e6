"""What may be claimed about a formula: errors, residuals, verdict, rivals."""
