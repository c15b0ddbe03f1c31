"""The only importers of rocksdict: the data folder, the database in it, and its verification."""
