"""What code imports and what images load, against locks and what is really there.

Code
    imports      what a module imports when it runs; conditions: which branches can run at all
    modules      which modules a distribution brings; learn: where that is known from
    declared     requirements, and the reason beside one that no code imports
    units        each image's code, lock and requirements, read once
    code         imports that nothing brings, or something only by chance; unused: requirements that nobody imports

Images
    inside       run in a container: elf files, links, scripts, packages; calls: programs that Python code names
    look         makes that container; system: what it told, with owners; survey: all images that there are
    loader       finds libraries as ld.so does; native: those that are missing; archive: which package brings them
    idle         Debian packages that nothing links to or runs
    looked       an image and where the declaration says what is in it; images, called: findings

report holds findings image by image; run does all of it.
"""
