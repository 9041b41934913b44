"""The charts of a report: each a file that gives a Vega-Lite specification; `page_charts` says which a page has.

They are drawn by a process of its own: `chart_client` starts it, `chart_main` is what it runs.
"""
