"""The search page: server-made, works without script, and takes nothing from elsewhere.

asked       what a page's address asks for, and the address of another question
filters     a column, an operator and a value as SQL that means nothing else
uploads     pictures and clips that were dropped, in memory for as long as there is room
playable    a medium as browsers show it
shown       hits as the page shows them, and where another encoder put them
verdicts    clicks on right and wrong, kept as a labelled file (`unite.data.labels`)
routes      the routes, for `unite.search.server`

    from unite.search.page.routes import page_routes
"""
