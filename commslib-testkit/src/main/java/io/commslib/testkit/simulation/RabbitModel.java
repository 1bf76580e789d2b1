package io.commslib.testkit.simulation;

import io.commslib.core.messaging.ForeignRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A queue with a single active consumer. The unacknowledged records of a channel that ends return
 * to the front of the queue in their order, and count as delivered before.
 */
final class RabbitModel implements BrokerModel {

  private static final int PREFETCH = 8;

  private record Item(ForeignRecord wire, int deliveries) {}

  /** The scope of its deliveries; tags are valid only within it. */
  private static final class Channel {
    final SimulatedConsumer member;
    final TreeMap<Long, Item> unacknowledged = new TreeMap<>();
    long lastTag;
    boolean open = true;

    Channel(SimulatedConsumer member) {
      this.member = member;
    }
  }

  private final SimulatedWorld world;
  private final SimulatedGroup group;
  private final Deque<Item> queue = new ArrayDeque<>();
  private final List<Channel> unaware = new ArrayList<>();
  private @Nullable Channel active;

  RabbitModel(SimulatedWorld world) {
    this.world = world;
    this.group = new SimulatedGroup(world, this::acknowledged);
  }

  @Override
  public void publish(String key, int number) {
    queue.addLast(new Item(SimulatedGroup.wire(key, number), 0));
  }

  private void acknowledged(ModelDelivery delivery) {
    Channel channel = (Channel) delivery.scope();
    if (world.saboteur() == SimulationFault.MIXES_UP_CHANNELS && active != null) {
      channel = active;
    }
    if (!channel.open) {
      return;
    }
    if (world.saboteur() == SimulationFault.ACKNOWLEDGES_CUMULATIVELY) {
      for (long tag :
          List.copyOf(channel.unacknowledged.headMap(delivery.number(), true).keySet())) {
        remove(channel, tag);
      }
    } else {
      remove(channel, delivery.number());
    }
  }

  private void remove(Channel channel, long tag) {
    Item item = channel.unacknowledged.remove(tag);
    if (item != null) {
      String id = String.valueOf(item.wire.texts().get("ce_id"));
      if (!world.state().isComplete(id)) {
        world.state().violated(id + " left the broker unfinished");
      }
    }
  }

  @Override
  public boolean step() {
    List<Runnable> possible = new ArrayList<>();
    if (group.isAnybodyDead()) {
      possible.add(group::restartDead);
    }
    Channel channel = active;
    if (channel == null) {
      if (!group.alive().isEmpty()) {
        possible.add(this::activate);
      }
    } else if (!channel.member.isAlive()) {
      possible.add(() -> end(channel));
    } else if (!queue.isEmpty()
        && channel.unacknowledged.size() < PREFETCH
        && channel.member.engine().isIntakeOpen()) {
      possible.add(() -> deliver(channel));
    }
    // Rarely, so that members keep working for a while on deliveries that they have lost.
    if (possible.isEmpty() || world.random().nextInt(20) == 0) {
      unaware.forEach(lost -> possible.add(() -> notice(lost)));
    }
    if (possible.isEmpty()) {
      return false;
    }
    possible.get(world.random().nextInt(possible.size())).run();
    return true;
  }

  private void activate() {
    active = new Channel(group.any());
    // An unaware member may become active again and get a record that it still works on.
    world.state().forgetDues(active.member.name());
    world.state().trace(active.member.name() + " is active");
  }

  private void deliver(Channel to) {
    Item item = queue.removeFirst();
    long tag = ++to.lastTag;
    to.unacknowledged.put(tag, item);
    to.member.engine().accept(new ModelDelivery(to, item.wire, tag, item.deliveries));
    if (world.saboteur() == SimulationFault.ACKNOWLEDGES_EARLY) {
      remove(to, tag);
    }
  }

  /** The broker closes a channel; its member notices later. */
  private void end(Channel channel) {
    channel.open = false;
    active = null;
    unaware.add(channel);
    if (world.saboteur() == SimulationFault.FORGETS_UNACKNOWLEDGED) {
      return;
    }
    boolean atTheEnd = world.saboteur() == SimulationFault.REQUEUES_AT_THE_END;
    for (Item item :
        (atTheEnd ? channel.unacknowledged : channel.unacknowledged.descendingMap()).values()) {
      Item again = new Item(item.wire, item.deliveries + 1);
      if (atTheEnd) {
        queue.addLast(again);
      } else {
        queue.addFirst(again);
      }
    }
  }

  private void notice(Channel channel) {
    unaware.remove(channel);
    if (channel.member.isAlive()) {
      channel.member.engine().revoke(channel);
      world.state().forgetDues(channel.member.name());
    }
  }

  @Override
  public void fault() {
    switch (world.random().nextInt(4)) {
      case 0 -> {
        if (!group.alive().isEmpty()) {
          world.faultHappened("crash");
          group.any().crash();
        }
      }
      case 1 -> {
        if (active != null) {
          world.faultHappened("connection drops");
          end(active);
        }
      }
      case 2 -> {
        if (active != null && !active.unacknowledged.isEmpty()) {
          // The acknowledgement timeout of the broker expires; the handler continues unaware.
          world.faultHappened("delivery lock expires");
          end(active);
        }
      }
      default -> {
        world.faultHappened("clock jumps");
        world.jumpClock();
      }
    }
  }

  @Override
  public void heal() {
    group.restartDead();
  }

  @Override
  public void checkAtTheEnd() {
    group.checkBalance();
    if (!queue.isEmpty() || (active != null && !active.unacknowledged.isEmpty())) {
      world.state().violated("the queue is not empty at the end");
    }
  }
}
