package io.commslib.testkit.simulation;

import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The two members of a group, restarted after they die, and their settling. */
final class SimulatedGroup {

  private static final int MEMBERS = 2;

  private final SimulatedWorld world;
  private final Consumer<ModelDelivery> acknowledged;
  private final List<SimulatedConsumer> members = new ArrayList<>();
  private int started;

  /**
   * @param acknowledged called when a living member acknowledges
   */
  SimulatedGroup(SimulatedWorld world, Consumer<ModelDelivery> acknowledged) {
    this.world = world;
    this.acknowledged = acknowledged;
    for (int i = 0; i < MEMBERS; i++) {
      members.add(start());
    }
  }

  static ForeignRecord wire(String key, int number) {
    return SimulatedConsumer.ENVELOPE.write(
        Message.builder("simulated").id(key + "-" + number).key(key).build());
  }

  private SimulatedConsumer start() {
    SimulatedConsumer[] self = new SimulatedConsumer[1];
    Settler settler =
        new Settler() {
          @Override
          public void acknowledge(RawDelivery delivery) {
            settle(self[0], (ModelDelivery) delivery);
          }

          @Override
          public void giveBack(RawDelivery delivery) {
            world
                .state()
                .violated("given back to the model although the engine gives back in place");
          }
        };
    self[0] = new SimulatedConsumer("member-" + started++, world, settler);
    return self[0];
  }

  private void settle(SimulatedConsumer member, ModelDelivery delivery) {
    if (!member.isAlive()) {
      return;
    }
    if (!delivery.settle()) {
      world.state().violated(delivery.id() + " was settled twice");
    }
    world.state().settled(member.name(), delivery.id());
    acknowledged.accept(delivery);
  }

  List<SimulatedConsumer> alive() {
    return members.stream().filter(SimulatedConsumer::isAlive).toList();
  }

  boolean isAnybodyDead() {
    return alive().size() < MEMBERS;
  }

  void restartDead() {
    for (int i = 0; i < MEMBERS; i++) {
      if (!members.get(i).isAlive()) {
        members.set(i, start());
        world.state().trace(members.get(i).name() + " starts");
      }
    }
  }

  SimulatedConsumer any() {
    List<SimulatedConsumer> alive = alive();
    return alive.get(world.random().nextInt(alive.size()));
  }

  void checkBalance() {
    for (SimulatedConsumer member : alive()) {
      long imbalance = member.engine().snapshot().imbalance();
      if (imbalance != 0) {
        world.state().violated(member.name() + " ledger: " + member.engine().snapshot());
      }
    }
  }
}
