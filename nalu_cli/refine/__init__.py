"""From a circuit that fits to the formula that is shown: constants named, the form shortened."""
