#include "world.h"

namespace subway {

std::expected<stoa::Database, stoa::Error> open_world(const std::filesystem::path& folder,
                                                      stoa::Durability durability) {
  auto schema = stoa::Schema::from_toml_file(folder / "schema.toml");
  if (!schema) return std::unexpected(schema.error());
  schema->bind<Service>("service")
      .bind<ServiceException>("service_exception")
      .bind<ShapePoint>("shape_point")
      .bind<Stop>("stop")
      .bind<Trip>("trip")
      .bind<StopTime>("stop_time")
      .bind<Network>("network")
      .bind<Run>("run")
      .bind<Cancellation>("cancellation")
      .bind<OnTrip>("on_trip")
      .bind<NextStop>("next_stop")
      .bind<Position>("position")
      .bind<Velocity>("velocity")
      .bind<Progress>("progress")
      .bind<Load>("load")
      .bind<Delay>("delay")
      .bind<Party>("party")
      .bind<Fare>("fare");
  stoa::Options options;
  options.durability = durability;
  return stoa::Database::open(folder, *schema, options);
}

stoa::Entity find_network(const stoa::Snapshot& snapshot) {
  stoa::Entity out;
  snapshot.each<Network>([&out](stoa::Entity entity, const Network&) { out = entity; });
  return out;
}

}  // namespace subway
