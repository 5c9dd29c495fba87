"""The page that shows CTs and what was found in them: one HTML file that a browser opens without a network.

``page/`` holds its sources (HTML, CSS, JavaScript modules), ``build.py`` makes one template of them and NiiVue,
``write_page`` puts CTs, masks and numbers into the template.
"""
