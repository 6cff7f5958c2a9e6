"""Problems changed so that their answers are simpler, and answers brought back."""
