"""Generative models that say only how stable a configuration is, so that their normalizer has to be found."""
