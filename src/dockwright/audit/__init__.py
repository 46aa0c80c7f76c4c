"""What images need and what they hold: imports against locks.

imports      what a module imports when it runs; conditions: which branches can run at all
modules      which modules a distribution brings; learn: where that is known from
declared     requirements, and the reason beside one that no code imports
units        each image's code, lock and requirements, read once
code         imports that nothing brings, or something only by chance; unused: requirements that nothing imports
report       findings, image by image; run: all of it
"""
