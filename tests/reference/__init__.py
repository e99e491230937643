"""The naive reference computation of the marts: the oracle of the SQL models."""
