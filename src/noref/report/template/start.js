// Parts of the page that the results call for.

if ($("scores")) startThreshold();
if ($("all")) {
  startGallery();
  startTable();
}
if ($("failures")) startFailures();
