"""`make bench`: figures that anybody can take again, each as a ratio to a yardstick measured in the same run."""
