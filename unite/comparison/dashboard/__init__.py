"""Many runs at a glance: which mixture, which objective, and how they got there.

    folders -> find_runs -> load -> DashboardRun -> payload -> page (one HTML file), server (runs that go on)
                                                 -> W&B: the runs themselves, a workspace, a report

`unite.report` gives the verdict, with its tests; a dashboard shows all that was tried, finished or not.
"""
