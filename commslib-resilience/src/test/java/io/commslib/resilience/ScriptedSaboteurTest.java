package io.commslib.resilience;

import io.commslib.testkit.call.CallHarness;
import io.commslib.testkit.call.CallSaboteur;
import io.commslib.testkit.call.CallSaboteurContract;

/** Each rule of the contract of call transports can fail. */
class ScriptedSaboteurTest extends CallSaboteurContract {

  @Override
  protected CallHarness createHarness(CallSaboteur saboteur) {
    return new ScriptedHarness(saboteur::sabotage);
  }
}
