"""The process in front of web: passes requests on, and serves logs to many who follow them. No Django, no database."""
