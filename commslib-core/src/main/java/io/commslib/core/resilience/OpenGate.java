package io.commslib.core.resilience;

/**
 * The gate that is always open. It has one instance, so that engines can recognise it and skip the
 * calls.
 */
enum OpenGate implements Gate {
  OPEN;

  @Override
  public boolean isOpen() {
    return true;
  }
}
