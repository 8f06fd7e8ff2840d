"""Reviews: from a source file to the rows that train and test."""
