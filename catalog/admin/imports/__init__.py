"""The screens of imports: the form that brings a file, the page of a run, the layouts that are remembered."""
