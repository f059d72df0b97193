// Parts of the page that the results call for.

if ($("scores")) startThreshold();
if ($("photos")) startGallery();
if ($("all")) startTable();
if ($("failures")) startFailures();
