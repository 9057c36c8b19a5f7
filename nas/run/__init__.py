"""A search from recipe to record: recipe, run folder, execution by Ray Tune. The sole importer of ray."""
