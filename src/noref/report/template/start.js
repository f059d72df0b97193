// Parts of the page that the results call for.

if ($("scores")) {
  startThreshold();
  startGallery();
  startTable();
}
if ($("failures")) startFailures();
