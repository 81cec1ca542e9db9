"""What leaves the package: trained networks as SavedModels."""
