"""The process in front of web: passes requests on, and serves logs to all who follow them.

It loads no settings, no model and no database driver, so that it stays small and answers while all those are away.
"""
