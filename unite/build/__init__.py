"""Config to objects: the only place that instantiates. Entry points read as a list of these.

component                    any config that names its class in `_target_`: a user's own class is built like ours
runs, encoder, suites        what training and evaluation share
train, evaluate, curate      what one command builds
"""
