package io.commslib.core.observe;

/**
 * The observer that does nothing. It has one instance, so that engines can recognise it and skip
 * the calls.
 */
enum SilentObserver implements CommsObserver {
  SILENT;

  @Override
  public boolean observesCalls() {
    return false;
  }
}
