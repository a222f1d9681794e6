"""Any other table: figures or visits, with the columns somebody chooses, kept under a name and taken along as a file."""
