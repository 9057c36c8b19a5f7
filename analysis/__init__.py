"""From run folders to tables, figures and a report; reads files only, never processes."""
