"""``covid3dgan app``: opens CTs in a browser, finds lesions, lets people correct them and keeps the result.

``launch.py`` starts ``server.py`` on this machine alone; ``worker.py`` is the one process that holds the network;
``page/`` is what the browser shows, built beside the viewer's page by covid3dgan/viewer/build.py.
"""
