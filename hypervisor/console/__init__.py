"""The console as a whole: whom it lets in, its name, its sidebar. Each page lives in its app's `admin`."""
