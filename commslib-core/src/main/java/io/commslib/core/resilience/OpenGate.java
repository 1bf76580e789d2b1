package io.commslib.core.resilience;

/**
 * The gate that is always open; one instance, so that engines can recognise it and spare the calls.
 */
enum OpenGate implements Gate {
  OPEN;

  @Override
  public boolean isOpen() {
    return true;
  }
}
