"""What a staged sheet means for the tables of the catalogue, in SQL."""
