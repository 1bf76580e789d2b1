package io.commslib.testkit.simulation;

/** A broker and its group of members, seen from the schedule. */
interface BrokerModel {

  /** Publishes a message of a key. */
  void publish(String key, int number);

  /** Does one thing that goes well, chosen by the dice; false if there was nothing to do. */
  boolean step();

  /** Does one thing that goes wrong, chosen by the dice. */
  void fault();

  /** Brings back what is down, so that all can come to an end. */
  void heal();

  /** What must hold when nothing happens any more. */
  void checkAtTheEnd();
}
