package io.commslib.resilience;

import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallTransportContract;

/** The contract of call transports, on the scripted one under virtual time. */
class ScriptedTransportTest extends CallTransportContract {

  @Override
  protected CallHarness createHarness() {
    return new ScriptedHarness(healthy -> healthy);
  }
}
