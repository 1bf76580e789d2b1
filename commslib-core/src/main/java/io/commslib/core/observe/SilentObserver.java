package io.commslib.core.observe;

/**
 * The observer that does nothing; one instance, so that engines can recognise it and spare the
 * calls.
 */
enum SilentObserver implements CommsObserver {
  SILENT
}
