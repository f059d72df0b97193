"""Deep Image Quality Assessor (DIQA): stage 1 learns error maps, stage 2 subjective scores; and its variant DIQA-SENS."""
