"""The console: the pages that people administer and develop with. Every page is a link; every change is a form."""
