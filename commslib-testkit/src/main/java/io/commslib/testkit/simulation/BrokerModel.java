package io.commslib.testkit.simulation;

/** A broker and its group of members, as the schedule drives them. */
interface BrokerModel {

  /** Publishes a message of a key. */
  void publish(String key, int number);

  /** Takes one fault-free step, chosen at random; false if there was none to take. */
  boolean step();

  /** Injects one fault, chosen at random. */
  void fault();

  /** Ends all faults, so that all work can finish. */
  void heal();

  /** Checks the rules that must hold once all work is finished. */
  void checkAtTheEnd();
}
